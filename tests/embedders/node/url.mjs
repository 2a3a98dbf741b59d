/** Returns a function that locates requests, for the URLs of the master, Exhibitor and Marathon's apps. */
export function locator(...urls) {
  const [master, exhibitor, apps] = urls.map((url) => url.replace(/\/*$/, '/'));
  const pods = apps.replace(/apps\/$/, 'pods/');
  // Redirects are not followed, so the server at this URL answers both.
  const root = master.replace(/master\/$/, '');
  const endpoints = { master, 'master-root': root, exhibitor, marathon: apps, 'marathon-pods': pods };
  return ({ endpoint, path, query }) => {
    const parts = query.map((pair) => pair.map(encode).join('=')).join('&');
    return endpoints[endpoint] + path.map(encode).join('/') + (parts && `?${parts}`);
  };
}

/** Percent-encodes everything except RFC 3986's unreserved characters and parentheses. */
function encode(text) {
  return encodeURIComponent(text).replace(/[!'*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
