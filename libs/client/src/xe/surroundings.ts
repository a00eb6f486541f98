/** All that a command has to do with. */
import type { Api, Login, Progress } from '../api';
import type { Objects } from './objects';
import type { Printer } from './printer';
import type { Terminal } from './terminal';

export interface Surroundings {
  readonly objects: Objects;
  /** For questions, files and what is printed whatever the form of the output. */
  readonly terminal: Terminal;
  readonly printer: Printer;
  /** Called at every change of a task that the command waits for. */
  readonly onProgress: Progress;
  readonly minimal: boolean;
  /** Messages about a VM are printed when their priority is a lower number than this. */
  readonly urgency: number;
  /** A session at another pool. */
  abroad(login: Login): Promise<Api>;
}
