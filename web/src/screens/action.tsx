// Asking for an action on a job. The form is drawn from the tool's own schema, so a new tool needs no change here.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { api, Failure } from '../lib/api';
import type { Approval, Assessment, Execution, Job, SchemaProperty, Tool } from '../lib/contract';
import { title, value } from '../lib/format';
import { say } from '../lib/live';
import { Risk } from '../ui/marks';
import { Dialog, ErrorCard } from '../ui/parts';
import { ApprovalCard, RiskFacts } from './approvalcard';
import { RunStatus } from './runstatus';

const fromJob: Record<string, (j: Job) => unknown> = { job: j => j.id, job_id: j => j.id, run_id: j => j.run_id || undefined };

/** jobTools keeps the tools that change something and take a job or one of its runs. */
export function jobTools(tools: Tool[]): Tool[] {
  return tools.filter(t => !/^read/i.test(t.permission) && Object.keys(t.input_schema?.properties ?? {}).some(k => k in fromJob));
}

export function ActionDialog({ tool, job, onClose }: { tool: Tool; job: Job; onClose: () => void }) {
  const approval = useSignal<Approval | null>(null);
  const result = useSignal<Execution | null>(null);
  const head = `${title(tool.name)}: ${job.job}`;
  return (
    <Dialog title={head} onClose={onClose} wide>
      {approval.value ? <ApprovalCard approval={approval.value} bare />
        : result.value ? <Outcome result={result.value} />
        : <ActionForm tool={tool} job={job} onReply={r => { if (r.approval) approval.value = r.approval; else result.value = r; }} onClose={onClose} />}
    </Dialog>
  );
}

function Outcome({ result }: { result: Execution }) {
  if (!result.success) {
    return <ErrorCard title="The action was refused" error={new Failure(0, result.tool_name, result.error ?? 'The server gave no reason.', result.trace_id ?? '', 0, '')} />;
  }
  return result.trace_id ? <RunStatus id={result.trace_id} /> : <p class="note good">{value(result.result ?? result.status)}</p>;
}

function ActionForm({ tool, job, onReply, onClose }: { tool: Tool; job: Job; onReply: (r: Execution) => void; onClose: () => void }) {
  const properties = Object.entries(tool.input_schema?.properties ?? {});
  const required = new Set(tool.input_schema?.required ?? []);
  const fixed = useMemo(() => Object.fromEntries(properties.filter(([k]) => k in fromJob).map(([k]) => [k, fromJob[k]!(job)]).filter(([, v]) => v !== undefined)), [tool, job.id, job.run_id]);
  // The reason and the ticket have their own fields below and travel beside the arguments.
  const asked = properties.filter(([k]) => !(k in fromJob) && k !== 'reason' && k !== 'ticket');
  const given = useSignal<Record<string, unknown>>({});
  const error = useSignal<Error | null>(null);
  const busy = useSignal(false);
  const args = { ...fixed, ...given.value };
  const missing = [...required].filter(k => k !== 'reason' && k !== 'ticket' && args[k] === undefined);

  const submit = async (e: SubmitEvent) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget as HTMLFormElement);
    busy.value = true;
    error.value = null;
    try {
      const reply = await api.execute(tool.name, args, { reason: String(form.get('reason') ?? '').trim(), ticket: String(form.get('ticket') ?? '').trim() });
      say(reply.approval ? 'Approval needed. The card shows what would happen.' : reply.success ? 'Accepted' : 'Refused');
      onReply(reply);
    } catch (err) {
      error.value = err as Error;
    } finally {
      busy.value = false;
    }
  };
  return (
    <form class="stack" onSubmit={submit}>
      <p>{tool.description}</p>
      <p class="quiet">On <strong>{job.name}</strong>.</p>
      {missing.includes('run_id') ? <p class="note warn">This job has not run in this plan, so there is no run to act on.</p> : null}
      {asked.map(([k, p]) => <Field key={k} name={k} p={p} required={required.has(k)} onChange={v => {
        const next = { ...given.value };
        if (v === undefined) delete next[k]; else next[k] = v;
        given.value = next;
      }} />)}
      <Assess tool={tool.name} args={args} ready={missing.length === 0} />
      <div class="pair">
        <label>Reason<textarea name="reason" rows={2} maxlength={400} placeholder="Goes to the journal and to the engine's audit" /></label>
        <label>Ticket<input name="ticket" maxlength={128} placeholder="INC…" spellcheck={false} /></label>
      </div>
      {error.value ? <ErrorCard error={error.value} title="Not requested" /> : null}
      <div class="row-end">
        <button type="button" onClick={onClose}>Close</button>
        <button class="primary" disabled={busy.value || missing.length > 0}>{busy.value ? 'Asking…' : tool.requires_approval ? 'Request approval' : 'Continue'}</button>
      </div>
    </form>
  );
}

function Field({ name, p, required, onChange }: { name: string; p: SchemaProperty; required: boolean; onChange: (v: unknown) => void }) {
  const kind = Array.isArray(p.type) ? p.type.find(t => t !== 'null') : p.type;
  const label = <span>{title(name)}{required ? null : <span class="quiet"> (optional)</span>}</span>;
  if (p.enum) {
    return <label>{label}<select required={required} onChange={e => onChange(e.currentTarget.value || undefined)}><option value="">Choose…</option>{p.enum.map(v => <option key={v}>{v}</option>)}</select>{hint(p)}</label>;
  }
  if (kind === 'boolean') return <label class="check"><input type="checkbox" onChange={e => onChange(e.currentTarget.checked)} />{label}{hint(p)}</label>;
  const number = kind === 'integer' || kind === 'number';
  if (!number) return <label>{label}<input required={required} onInput={e => onChange(e.currentTarget.value || undefined)} />{hint(p)}</label>;
  return (
    <label>{label}
      <input type="number" required={required} min={p.minimum} max={p.maximum} step={kind === 'integer' ? 1 : undefined}
        onInput={e => onChange(e.currentTarget.value === '' ? undefined : Number(e.currentTarget.value))} />{hint(p)}
    </label>);
}

const hint = (p: SchemaProperty) => p.description ? <span class="quiet small">{p.description}</span> : null;

/** Assess shows the server's risk for the arguments as they are typed. */
function Assess({ tool, args, ready }: { tool: string; args: Record<string, unknown>; ready: boolean }) {
  const found = useSignal<Assessment | null>(null);
  const error = useSignal<Error | null>(null);
  const key = JSON.stringify(args);
  useEffect(() => {
    if (!ready) return;
    let old = false;
    const wait = setTimeout(() => {
      api.assess(tool, args).then(a => { if (!old) { found.value = a; error.value = null; } }, e => { if (!old) error.value = e as Error; });
    }, 200);
    return () => { old = true; clearTimeout(wait); };
  }, [tool, key, ready]);
  if (error.value) return <p class="note warn">The risk could not be assessed: {error.value.message}</p>;
  const a = found.value;
  if (!a) return null;
  return <div class="assess"><p><Risk level={a.risk_level} /> <span class="quiet">{a.description}</span></p><RiskFacts facts={a.facts} /></div>;
}
