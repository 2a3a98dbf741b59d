// The command line of the hosts in this folder.

import { parseArgs } from 'node:util';

const text = (short, value) => ({ type: 'string', short, default: value });
const { values } = parseArgs({ options: {
  component: { type: 'string', default: 'janitor.wasm' },
  role: text('r'), principal: text('p'), 'zk-path': text('z'),
  'master-url': text('m', 'http://leader.mesos:5050/master/'),
  'exhibitor-url': text('e', 'http://leader.mesos:8181/'),
  'marathon-url': text('n', 'http://marathon.mesos:8080/v2/apps/'),
  force: { type: 'boolean' },
} });

/** The file of the component. */
export const component = values.component;

export const target = {
  role: values.role,
  principal: values.principal,
  znode: values['zk-path'],
  marathonApp: process.env.MARATHON_APP_ID || undefined,
  labels: [],
  agents: [],
};

export const options = {
  confirmSeconds: 30,
  waitSeconds: 0,
  inUse: values.force ? 'force' : 'refuse',
  systemZnode: false,
  teardown: [],
  strict: false,
  wholeService: false,
  ignoredAgents: [],
  zookeeper: false,
};

/** The URLs of the servers. */
export const master = values['master-url'];
export const exhibitor = values['exhibitor-url'];
export const marathon = values['marathon-url'];
