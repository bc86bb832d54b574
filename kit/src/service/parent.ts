// The other half of scripts/child.mjs: a process that is started with a pipe to its parent learns of the parent's end from
// the end of the pipe, which the kernel closes however the parent ends.

import { Socket } from 'node:net';

/**
 * Calls back once when the process that started us is gone; does nothing when that gave us no pipe. Call it once, and
 * early: it does not keep the process alive.
 */
export function whenParentLeaves(callback: () => void): void {
  const descriptor = Number(process.env['TUTTI_PARENT_PIPE']);
  // Our own children have no such pipe; the number would name something else there.
  delete process.env['TUTTI_PARENT_PIPE'];
  if (!Number.isInteger(descriptor) || descriptor < 3) return;
  const pipe = openPipe(descriptor);
  if (!pipe) return;
  // "close" follows the end and every error.
  pipe.on('error', () => undefined);
  pipe.once('close', callback);
  pipe.resume();
  pipe.unref();
}

function openPipe(descriptor: number): Socket | undefined {
  try {
    return new Socket({ fd: descriptor, readable: true, writable: false });
  } catch {
    // The variable was inherited by a process that was started in another way.
    return undefined;
  }
}
