import type { CleanupPlan, Entry, Inventory, Options, Reason, Report, Target } from './contract.js';

export type * from './contract.js';

/** The settings of one call. */
export interface Host {
  /** The base URLs of the servers; the defaults are those in DC/OS. */
  endpoints?: {
    /** The operator endpoints of the leading Mesos master: `http://leader.mesos:5050/master/`. */
    master?: string;
    /** The root of Exhibitor: `http://leader.mesos:8181/`. */
    exhibitor?: string;
    /** The collection of Marathon's apps: `http://marathon.mesos:8080/v2/apps/`. */
    marathon?: string;
  };
  /** A DC/OS authentication token, which is sent to all of these servers, and to no others. */
  token?: string;
  /**
   * The function that sends a request, once, and does not follow redirects (`init.redirect` is
   * `manual`); by default Node's HTTP client, and elsewhere the global `fetch`. It may throw a case
   * of the contract's `error`, such as `{ tag: 'connect', val: 'connection refused' }`. Any other
   * exception that is not known to come from the network ends the run, which throws it.
   */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /**
   * Receives the entries of the log, in order; their messages are escaped by `printable`. An
   * exception ends the run, which throws it. If it returns promises, the call waits for all of
   * them.
   */
  onEvent?: (entry: Entry) => unknown;
  /**
   * Cancels the run: nothing more is changed, requests in flight are waited for, and the run
   * fails with the reason `stopped` and a report. A run that has not ended 130 seconds later fails
   * with a `ComponentError`.
   */
  signal?: AbortSignal;
}

/** Removes the target. Omitted fields select nothing, and omitted options have their defaults. */
export function clean(target: Partial<Target>, options?: Partial<Options>, host?: Host): Promise<Report>;

/** Determines what `clean` would do now, and changes nothing. */
export function plan(target: Partial<Target>, options?: Partial<Options>, host?: Host): Promise<CleanupPlan>;

/** Carries out a plan, unless the cluster has changed since. */
export function apply(plan: CleanupPlan, options?: Partial<Options>, host?: Host): Promise<Report>;

/** Lists everything that is reserved in the cluster, for any role. */
export function discover(options?: Partial<Options>, host?: Host): Promise<Inventory>;

/**
 * Removes several targets in one run: the agents are listed as often as for one of them. A target that
 * fails does not stop the others, and has its failure in the list, which has the order of the targets.
 */
export function cleanAll(targets: Partial<Target>[], options?: Partial<Options>, host?: Host): Promise<(Report | CleanupFailure)[]>;

/** Determines what `cleanAll` would do now, and changes nothing. */
export function planAll(targets: Partial<Target>[], options?: Partial<Options>, host?: Host): Promise<(CleanupPlan | CleanupFailure)[]>;

/** Carries out several plans in one run, each unless the cluster has changed since. */
export function applyAll(plans: CleanupPlan[], options?: Partial<Options>, host?: Host): Promise<(Report | CleanupFailure)[]>;

/** A run that did not complete. Its message is for people, and is escaped by `printable`. */
export class CleanupFailure extends Error {
  private constructor();
  /** The reason, for programs. */
  readonly reason: Reason;
  /** The report of the run until then; absent for `plan` and `discover`, which change nothing. */
  readonly report?: Report;
}

/**
 * A trap of the component, a request that its gate denied, or another breach of the contract. It is
 * never the cluster's fault.
 */
export class ComponentError extends Error {
  private constructor();
}

/**
 * Escapes every character that could control a terminal, change the direction of writing, or hide
 * in a name so that it looks like another one.
 */
export function printable(text: string): string;
