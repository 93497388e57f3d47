// Server-sent events over fetch: the browser's EventSource can only GET, and a question is a POST.

export interface Event { id: string; name: string; data: string }

/** Parser turns text as it arrives into events, by the rules of the HTML standard. */
export class Parser {
  private rest = '';
  private id = '';
  private name = '';
  private data: string[] = [];

  push(text: string): Event[] {
    const out: Event[] = [];
    this.rest += text;
    // A chunk may end between \r and \n, so a trailing \r waits for the next one.
    const lines = this.rest.split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      const ev = this.line(line);
      if (ev) out.push(ev);
    }
    return out;
  }

  private line(line: string): Event | null {
    if (line === '') return this.flush();
    if (line.startsWith(':')) return null;
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.data.push(value);
    else if (field === 'event') this.name = value;
    else if (field === 'id') this.id = value;
    return null;
  }

  private flush(): Event | null {
    const ev = this.data.length ? { id: this.id, name: this.name || 'message', data: this.data.join('\n') } : null;
    this.name = '';
    this.data = [];
    return ev;
  }
}

/** read yields the events of an answered request until it ends. */
export async function* read(res: Response): AsyncGenerator<Event> {
  const reader = res.body!.getReader();
  const decoder = new TextDecoder();
  const parser = new Parser();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    reader.releaseLock();
  }
}
