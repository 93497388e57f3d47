// A question asked from another screen. It is handed over in memory, so that opening a link can never start a conversation.
import { signal } from '@preact/signals';
import { go } from '../lib/route';

export const question = signal('');

/** ask opens a new conversation and asks there. */
export function ask(text: string) {
  question.value = text;
  go('/chat');
}
