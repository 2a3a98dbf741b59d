// The same command as clean.mjs, with the package. It runs where the package is installed.

import { clean, CleanupFailure } from '@janitor/cleanup';
import { exhibitor, marathon, master, options, target } from './arguments.mjs';
import { say, show, write } from './output.mjs';

try {
  const host = { endpoints: { master, exhibitor, marathon }, onEvent: write };
  show(await clean(target, { inUse: options.inUse }, host));
} catch (failure) {
  if (!(failure instanceof CleanupFailure)) throw failure;
  say(failure.message);
  show(failure.report);
  process.exitCode = 5;
}
