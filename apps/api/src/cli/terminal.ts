/** The terminal of a command that runs here for a user elsewhere. */
import type { Send, Terminal } from '@xenplane/client';
import { originOf } from '@xenplane/process';
import type { Channel } from './channel';

const mostBytes = 64 * 2 ** 20;

/** The file could not be read at the client's side. */
class NotLoaded extends Error {
  constructor(name: string) {
    super(`Could not read file: ${name}`);
    this.name = 'NotLoaded';
  }
}

export function terminalOver(channel: Channel, sendCall: Send): Terminal {
  return {
    print: (text) => channel.say({ kind: 'print', text }),
    printError: (text) => channel.say({ kind: 'printError', text }),
    error: (code, params) => channel.say({ kind: 'error', code, params }),
    prompt: async () => {
      channel.say({ kind: 'prompt' });
      return (await channel.blob(mostBytes)).toString('utf8');
    },
    readFile: async (file) => {
      channel.say({ kind: 'load', file });
      if (!(await channel.done())) throw new NotLoaded(file);
      return channel.blob(mostBytes);
    },
    httpGet: async (file, url) => {
      channel.say({ kind: 'httpGet', file, url });
      return channel.done();
    },
    httpPut: async (file, url) => {
      channel.say({ kind: 'httpPut', file, url });
      return channel.done();
    },
    httpConnect: async (url) => {
      channel.say({ kind: 'httpConnect', url });
      return channel.done();
    },
    onProgress: () => undefined,
    sendCall,
    originOf,
  };
}
