// A question asked from another screen. It is handed over in memory, so that opening a link can never start a conversation.
import { signal } from '@preact/signals';
import { go } from '../lib/route';

/** jobs are full names meant beside the text, such as the job that was on the screen. */
export interface Question { text: string; jobs: string[] }

export const question = signal<Question | null>(null);

/** ask opens a new conversation and asks there. */
export function ask(text: string, jobs: string[] = []) {
  question.value = { text, jobs };
  go('/ask');
}
