// The URLs of requests, as `host/contract/src/endpoint.rs` makes them. They only name requests:
// nothing is sent to them.

/** The base URLs in DC/OS, for files that name none. */
export const DCOS = {
  master: 'http://leader.mesos:5050/master/',
  exhibitor: 'http://leader.mesos:8181/',
  marathon: 'http://marathon.mesos:8080/v2/apps/',
};

/** Returns a function that returns the URL of a request to these servers. */
export function urls({ master, exhibitor, marathon }) {
  // The leading master of a group in ZooKeeper has its own pages below the URL of the group.
  const leader = /^zk(\+https)?:/.test(master.trim()) ? `${master.trim().replace(/\/?$/, '/')}master/` : master.split(',')[0];
  const [first, explorer, apps] = [leader, exhibitor, marathon].map((url) => url.trim().replace(/\/?$/, '/'));
  const bases = {
    master: first,
    'master-root': first.replace(/master\/$/, ''),
    exhibitor: explorer,
    marathon: apps,
    'marathon-pods': apps.replace(/apps\/$/, 'pods/'),
  };
  return ({ endpoint, path, query }) => {
    const pairs = query.map((pair) => pair.map(encode).join('=')).join('&');
    // The URL names only the first server of an ensemble.
    return bases[endpoint].replace(/^(zk[^,/]*\/\/[^,/]*),[^/]*/, '$1') + path.map(encode).join('/') + (pairs && `?${pairs}`);
  };
}

/** Percent-encodes everything except the unreserved characters of RFC 3986 and parentheses. */
function encode(text) {
  return encodeURIComponent(text).replace(/[!'*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
