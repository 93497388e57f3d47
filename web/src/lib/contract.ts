// What the server sends, as /openapi.json describes it. A field with ? may be absent.

export interface User { name: string; roles: string[] }

export interface Job {
  id: string; name: string; stream: string; workstation: string; folder?: string;
  status: string; substatus?: string; common_status?: string; priority?: number;
  critical?: boolean; late?: boolean; sched_time?: string; start_time?: string;
  estimated_s?: number; return_code?: number | null; run_id?: string; successors?: number;
}
export interface JobRun {
  run_id: string; number?: number; status: string; return_code?: number | null; workstation?: string;
  start_time?: string; end_time?: string; elapsed_s?: number;
}
export interface JobDependency { kind: string; name: string; status: string; satisfied: boolean }
export interface JobDetail extends Job {
  deadline?: string; end_time?: string; elapsed_s?: number; recovery?: string; message?: string;
  runs?: JobRun[]; dependencies?: JobDependency[];
}
export interface JobPage { items: Job[]; total: number; as_of: string; freshness: string }
export interface JobCount { total: number; by_status: Record<string, number>; as_of: string; late?: number; critical?: number }
export interface Neighbour { id: string; name: string; level: number; status: string; critical?: boolean; deadline?: string }
export interface Neighbours { count: number; results: Neighbour[] }
export interface JobLog {
  run_id: string; lines: string[]; exit_status?: number | null; codes?: string[];
  first_line?: number; total_lines?: number; truncated?: boolean;
}
export interface Engine {
  name?: string; environment?: string; read_only?: boolean; url?: string; version?: string; status?: string;
  latency_ms?: number; run_number?: number; plan_start?: string; plan_end?: string; as_of?: string;
  freshness?: string; message?: string;
}

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
export interface Blocked { job: string; level: number; status: string; deadline?: string; at_risk?: boolean; critical?: boolean }
export interface Gate { gate: string; state: string; text: string; evidence?: string[] }
export interface Candidate { job: string; status: string; id?: string }
export interface ProposedAction { title?: string; tool: string; args: Record<string, unknown>; reason?: string; risk: string }
export interface Answer {
  question: string; answer: string; sentences?: Sentence[]; hypotheses?: Hypothesis[]; evidence?: Evidence[];
  blocked?: Blocked[]; gates?: Gate[]; not_examined?: string[]; candidates?: Candidate[]; actions?: ProposedAction[];
  intent?: string; mode?: string; as_of?: string;
}

export interface ToolEvent {
  run_id: string; tool: string; args?: Record<string, unknown>; status: string; duration_ms?: number;
  error?: string; risk_level?: string; result?: unknown;
}
export interface Session { session_id: string; title?: string; updated_at?: string; turns?: number }
export interface HistoryItem {
  role: string; content: string; at: string; answer?: Answer; approvals?: Approval[]; tools?: ToolEvent[];
}
export interface History { history: HistoryItem[]; session_id: string; total_messages: number }

export interface SchemaProperty {
  type?: string | string[]; description?: string; enum?: string[]; minimum?: number; maximum?: number; default?: unknown;
}
export interface Tool {
  name: string; description: string; permission: string; requires_approval: boolean; tags?: string[];
  timeout_seconds?: number; supports_undo?: boolean; undo_class?: string;
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
  preview?: Preview; needed?: number; approvers?: string[]; missing?: string; can_approve?: boolean;
  cannot_reason?: string; status: string; run_id?: string; reason?: string; ticket?: string;
}
export interface Approvals {
  pending: Approval[]; total: number; by_tool?: Record<string, number>; by_risk_level?: Record<string, number>;
}
export interface Decision {
  trace_id: string; action: string; status: string; approved_by?: string; approved_at?: string; reason?: string;
  run_id?: string; execution_result?: { run_id?: string; success?: boolean; error?: string } & Record<string, unknown>;
}
export interface Execution {
  tool_name: string; success: boolean; result?: unknown; error?: string; duration_ms?: number; trace_id?: string;
  status?: string; risk_level?: string; approval_id?: string; approval?: Approval;
}

export interface UndoState { can?: boolean; undo_class?: string; until?: string; note?: string }
export interface Run {
  run_id: string; trace_id?: string; tool_name: string; status: string; phase?: string; target?: string; user?: string;
  risk_level?: string; progress?: number; progress_message?: string; error?: string; started_at?: string;
  completed_at?: string; message?: string; outcome?: string; verified?: boolean; undo?: UndoState;
}
export interface JournalEntry { seq: number; at: string; event: string; actor?: string; detail?: unknown }
export interface RunDetail extends Run { journal?: JournalEntry[] }
export interface Undoable {
  trace_id: string; tool_name: string; timestamp: string; risk_level: string; target?: string; undo_class?: string;
  summary?: string; expires_at?: string; note?: string; can_undo?: boolean;
}
export interface UndoReply { trace_id: string; status: string; message?: string; run_id?: string; approval?: Approval }

export interface Problem {
  type?: string; title?: string; status?: number; detail?: string; trace_id?: string;
  errors?: { message?: string; location?: string }[];
}
