/** Objects are destroyed for good only when the user says yes. */
import type { Terminal } from './terminal';

export async function agrees(terminal: Terminal): Promise<boolean> {
  terminal.print("Type 'yes' to continue");
  const answer = await terminal.prompt();
  if (answer.trim().toLowerCase() === 'yes') return true;
  terminal.print(`Aborted (you typed: '${answer}')`);
  return false;
}
