// What the server sends, as /openapi.json describes it. A field with ? may be absent.

export interface User { name: string; roles: string[] }

/** A row of the plan. name is the full name WORKSTATION#STREAM.JOB, job its last part. */
export interface Job {
  id: string; name: string; job: string; stream: string; workstation: string; folder?: string;
  status: string; substatus?: string; common_status?: string; priority?: number;
  critical?: boolean; late?: boolean; at_risk?: boolean; sched_time?: string; start_time?: string; end_time?: string;
  deadline?: string; estimated_s?: number; return_code?: number | null; run_id?: string; unresolved?: number;
}
export interface JobPage { items: Job[]; total: number; as_of: string; freshness: string; engine?: string }
export interface JobCount { total: number; by_status: Record<string, number>; late?: number; critical?: number; as_of: string }

/** What the engine itself says of a job, in its own form; only the parts that are shown. */
export interface EngineRun {
  id: string; jobNumber?: number; rerunType?: string; returnCode?: number; actualWorkstation?: string; runAttempt?: number;
  compositeStatus?: { status?: string };
  timeInfo?: { actualStartTime?: string; actualEndTime?: string; elapsedTime?: string; estimatedDuration?: string };
}
export interface EngineJob {
  id: string; name: string; key?: string; folder?: string; workstation?: string; jobStreamName?: string; priority?: number;
  lastRunCompositeStatus?: { status?: string; substatus?: string; canceled?: boolean };
  jobStatusFlags?: { jobLate?: boolean }; jobOptions?: { critical?: boolean };
  jobDefinition?: { description?: string; recoveryOption?: string; estimatedDuration?: string };
  timeRestrictions?: { deadlineTime?: string; latestStartTime?: string };
  schedTime?: string; jobruns?: EngineRun[]; actions?: { key: string }[];
}
/** JobDetail is an EngineJob in the words of the console. */
export interface JobDetail extends Job {
  recovery?: string; description?: string; canceled?: boolean; runs: JobRun[]; actions: string[];
}
export interface JobRun {
  run_id: string; number: number; status: string; type: string; return_code?: number; start_time?: string; end_time?: string; elapsed_s?: number;
}

export interface Neighbour { id: string; name: string; level: number; status: string; critical?: boolean; at_risk?: boolean; deadline?: string }
export interface Neighbours { count: number; results: Neighbour[] }
export interface LogLine { line: number; text: string }
export interface JobLog { run_id: string; lines: LogLine[] | null; exit_status?: number | null; codes?: string[] | null; truncated?: boolean; as_of?: string }

export interface Engine { name: string; environment?: string; read_only?: boolean; as_of?: string; default?: boolean }
export interface EngineInfo { displayVersion?: string; capabilities?: { plan?: { runNumber?: number; planStart?: string; planEnd?: string } } }

export interface Evidence {
  id: string; kind: string; title: string; text: string; source: string; path?: string;
  /** Offsets and lines in the document the text was taken from. */
  start?: number; end?: number; line?: number; end_line?: number; as_of?: string;
  /** Byte ranges inside text that the answer rests on. */
  highlights?: [number, number][];
}
export interface Sentence { text: string; evidence?: string[]; confirmed: boolean }
export interface Fix { action: string; risk: string; tool?: string; args?: Record<string, unknown> }
export interface Hypothesis {
  rank: number; cause: string; title: string; text: string; confidence: number;
  evidence?: string[]; citations?: string[]; codes?: string[]; fix?: Fix[];
}
export interface Blocked { id?: string; job: string; level: number; status: string; deadline?: string; at_risk?: boolean; critical?: boolean }
export interface Gate { gate: string; state: string; text: string; evidence?: string[] }
/** What was found out about one job without a question. */
export interface Finding { gates: Gate[]; hypotheses: Hypothesis[]; evidence: Evidence[] }
export interface Candidate { job: string; status: string; id?: string }
export interface ProposedAction { title?: string; tool: string; args: Record<string, unknown>; reason?: string; risk: string }
export interface Answer {
  question: string; answer: string; sentences?: Sentence[]; hypotheses?: Hypothesis[]; evidence?: Evidence[];
  blocked?: Blocked[]; gates?: Gate[]; not_examined?: string[]; candidates?: Candidate[]; actions?: ProposedAction[];
  intent?: string; mode?: string; as_of?: string; cached?: boolean; asked_as?: string;
}

export interface ToolEvent {
  run_id: string; tool: string; args?: Record<string, unknown>; status: string; duration_ms?: number;
  error?: string; risk_level?: string; result?: unknown;
}
export interface Session { id: string; title?: string; updated_at?: string }
export interface HistoryItem { role: string; content: string; at: string; answer?: Answer }
export interface History { history: HistoryItem[]; session_id: string; total_messages: number }

export interface SchemaProperty {
  type?: string | string[]; description?: string; enum?: string[]; minimum?: number; maximum?: number; default?: unknown;
}
export interface Tool {
  name: string; description: string; permission: string; requires_approval: boolean; tags?: string[];
  timeout_seconds?: number; supports_undo?: boolean; undo_class?: string; undo_note?: string;
  input_schema?: { properties?: Record<string, SchemaProperty>; required?: string[] };
}
export interface Catalog { tools: Tool[]; total: number; user_role: string }

export interface RiskFact { source: string; text: string; level: string }
export interface Assessment {
  tool_name: string; risk_level: string; description: string; requires_approval: boolean; facts?: RiskFact[];
}
export interface Preview {
  before?: unknown; after?: unknown; effects?: string[]; reversible?: boolean; undo_class?: string; undo_note?: string;
}
export interface Approval {
  trace_id: string; tool_name: string; action_summary: string; input_params: Record<string, unknown>; engine?: string;
  user_id: string; requested_at: string; expires_at?: string; risk_level: string; risk_facts?: RiskFact[];
  preview?: Preview; needed?: number; approvers?: string[]; missing?: number; can_approve?: boolean;
  cannot_reason?: string; status: string; target?: string; reason?: string; ticket?: string; session_id?: string;
}
export interface Approvals {
  pending: Approval[]; total: number; by_tool?: Record<string, number>; by_risk_level?: Record<string, number>;
}
export interface Decision {
  trace_id: string; action: string; status: string; approved_by?: string; approved_at?: string; reason?: string;
  run?: Run;
}
export interface Execution {
  tool_name: string; success: boolean; result?: unknown; error?: string; duration_ms?: number; trace_id?: string;
  status?: string; risk_level?: string; approval_id?: string; approval?: Approval;
}

export interface JournalEntry { seq: number; at: string; event: string; actor?: string; detail?: Record<string, unknown> | null }
export interface Run {
  run_id: string; tool_name: string; status: string; phase: string; target?: string; engine?: string; user?: string;
  risk_level?: string; progress?: number; error?: string; started_at?: string; completed_at?: string; message?: string;
  outcome?: string; verified?: boolean; parent_id?: string; action_summary?: string; reason?: string; ticket?: string;
  journal?: JournalEntry[]; approval?: Approval; undo_note?: string;
}
export interface Undoable {
  trace_id: string; tool_name: string; timestamp: string; risk_level: string; target?: string; undo_class?: string;
  summary?: string; expires_at?: string; note?: string;
}
export interface UndoReply { trace_id: string; status: string; message?: string; run_id?: string; approval?: Approval }

/** A part that is away, what that means, and what still works. */
export interface Away {
  part: string; title: string; state: string; critical: boolean; reason: string; by?: string; since: string; next_probe_at?: string;
  works: string; missing: string; degraded_endpoints: string[]; refused_endpoints: string[];
}
export interface Transition { seq: number; from: string; to: string; at: string; cause: string; by?: string; trace_id?: string }
export interface RedisHealth {
  status: string; warning?: string;
  redis: { mode: string; healthy: boolean; since: string; error?: string; latency_ms: number; outages: number; unavailable_seconds: number; degraded_percent: number; tiers: Record<string, number> };
}
export interface ModelTarget {
  name: string; provider: string; model: string; keys: number; usable_keys: number; breaker?: string;
  input_usd_per_million: number | null; output_usd_per_million: number | null;
}
export interface Models {
  configured: boolean; targets: ModelTarget[]; budget_seconds: number; spent_today_usd: number; your_spent_today_usd: number; limit_day_usd?: number;
  metrics?: { total_requests?: number; fallback_rate?: number; last_fallback?: { at: string; target: string; reason: string } };
}

export interface Doc {
  file_id: string; filename: string; title: string; status: string; chunks_count: number; processed_at: string; collection: string; bytes: number;
  held?: { line?: number; quote?: string; why: string }[]; near_duplicates?: { document?: string; share?: number }[];
}
export interface Upload { filename: string; status: string; file_id: string; chunks_count: number; reason?: string; held?: { why: string }[] }
export interface Correction {
  id: string; source: string; quote: string; title: string; correction: string; reason: string; state: string; created_by: string; created_at: string; decided_by?: string;
}
export interface Reindex {
  job_id: string; status: string; progress: number; documents_processed: number; documents_total: number; document?: string; eta_seconds?: number;
  started_at?: string | null; completed_at?: string | null; error?: string | null; dry_run: boolean; created_by: string;
}
export interface Passage {
  chunk_id: string; document: string; title: string; section: string; source: string; start: number; end: number; line: number; end_line: number;
  page_start?: number; page_end?: number; content: string; score: number; codes?: string[];
}
export interface Explained { rank: number; chunk_id: string; score: number; parts: { name: string; value: number }[]; ranking?: { by: string; note?: string } }

export interface Breaker {
  threshold?: number; recovery_timeout?: number; failure_count?: number; success_rate?: number | null; total_calls?: number; rejected_calls?: number;
  transitions?: Transition[]; name: string; state: 'CLOSED' | 'OPEN' | 'HALF_OPEN' | 'FORCED_OPEN' | 'DISABLED'; is_critical: boolean; last_error?: string;
  since: string; next_probe_at?: string; switch?: { reason?: string; by?: string; until?: string };
  outage?: { since: string; seconds: number; rejected_calls: number };
}
export interface Breakers { breakers: Breaker[]; total: number; open_count: number; critical_open_count: number }

/** Numbers of a breaker as they hold, those it was made with, and who changed them last. */
export interface Numbers {
  threshold: number; recovery_timeout: number; source: 'contract' | 'set'; default_threshold: number; default_recovery_timeout: number;
  changed_by?: string; changed_at?: string; reason?: string;
}
export interface AuditLine { seq: number; at: string; actor: string; action: string; target: string; reason?: string }
export interface Steering { breakers: Record<string, Numbers>; history?: AuditLine[]; history_error?: string }

export interface Token {
  id: string; name: string; user: string; scope: string; state: 'good' | 'expired' | 'revoked'; created_at: string; expires_at: string;
  revoked_at?: string; last_used_at?: string;
}
/** The token itself is there once; an answer that had to be asked for a second time lacks it. */
export interface NewToken extends Token { token?: string; message: string }

export interface Delivery {
  id: string; target: string; type: string; title: string; state: string; attempts: number; error?: string; at: string; next_attempt?: string; ended_at?: string;
}
export interface Receiver {
  name: string; format: string; host: string; signed: boolean; events: string[]; timeout_seconds: number; breaker_state: string; waiting: number; failed: number;
  off?: { reason: string; by: string; at: string }; last_delivery?: Delivery; source: 'settings' | 'console'; problem?: string;
  url_reference?: string; secret_reference?: string; changed_by?: string; changed_at?: string;
}
export interface Receivers { targets: Receiver[]; lost: number; events: string[] }
export interface ReceiverForm { name?: string; url?: string; format?: string; secret?: string; events?: string[]; timeout?: string; reason: string }
export interface Trial { target: string; id: string; ok: boolean; status?: number; seconds: number; error?: string }

export interface Problem {
  type?: string; title?: string; status?: number; detail?: string; trace_id?: string;
  errors?: { message?: string; location?: string }[];
}
