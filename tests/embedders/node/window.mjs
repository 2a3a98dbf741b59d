/** The most exchanges that the component may have in flight. */
export const WINDOW = 32;

let places = 0;

/** Takes a place for an exchange, which its response keeps. */
export function enter() {
  if (places >= WINDOW) throw new Error(`the component sent more than ${WINDOW} requests at once`);
  places += 1;
}

/** Returns the place of an exchange that failed, or of a response that is no longer needed. */
export function leave() {
  places -= 1;
}
