-- Times are milliseconds since 1970 in UTC, 0 for none. JSON is text. Flags are 0 or 1.

-- The facts of a proposal, never changed. What happened to it stands in the journal.
create table runs (
	id              text   primary key,
	engine          text   not null,
	tool            text   not null,
	args            text   not null,
	args_hash       text   not null,
	target          text   not null,
	target_id       text   not null,
	user_name       text   not null,
	conversation_id text   not null,
	parent_id       text   not null,
	risk            text   not null,
	preview         text   not null,
	pre_image       text   not null,
	digest          text   not null,
	reason          text   not null,
	ticket          text   not null,
	permission      text   not null,
	created_at      bigint not null
);
create index runs_by_time on runs (created_at, id);
create index runs_by_conversation on runs (conversation_id, created_at) where conversation_id <> '';

-- kind is '' or one of claim, outcome, reconcile: what may stand once per run.
-- facts is the SHA-256 of the run's row on its first entry, else ''.
create table journal (
	seq    bigint primary key,
	run_id text   not null references runs (id),
	at     bigint not null,
	event  text   not null,
	actor  text   not null,
	detail text   not null,
	kind   text   not null,
	facts  text   not null,
	prev   text   not null,
	hash   text   not null
);
create unique index journal_once on journal (run_id, kind) where kind <> '';
create index journal_by_run on journal (run_id, seq);
create index journal_claims on journal (seq) where kind = 'claim';

-- The end of the hash chain; its row lock puts appends in order.
create table journal_head (
	id   integer primary key check (id = 1),
	seq  bigint  not null,
	hash text    not null
);
insert into journal_head (id, seq, hash) values (1, 0, '');

create table idempotency (
	scope       text    not null,
	key         text    not null,
	fingerprint text    not null,
	completed   integer not null,
	response    text    not null,
	created_at  bigint  not null,
	expires_at  bigint  not null,
	primary key (scope, key)
);
create index idempotency_by_expiry on idempotency (expires_at);

create table approvals (
	run_id       text    primary key references runs (id),
	digest       text    not null,
	tool         text    not null,
	risk_level   text    not null,
	requester    text    not null,
	requested_at bigint  not null,
	expires_at   bigint  not null,
	needed       integer not null,
	allow_self   integer not null,
	used_at      bigint  not null default 0,
	void_at      bigint  not null default 0,
	void_reason  text    not null default ''
);
create index approvals_by_time on approvals (requested_at);

create table votes (
	run_id   text   not null references approvals (run_id),
	approver text   not null,
	decision text   not null check (decision in ('approve', 'reject')),
	reason   text   not null,
	at       bigint not null,
	primary key (run_id, approver)
);

create table undos (
	run_id       text   primary key references runs (id),
	engine       text   not null,
	tool         text   not null,
	inverse_tool text   not null,
	inverse_args text   not null,
	precondition text   not null,
	class        text   not null,
	summary      text   not null,
	created_at   bigint not null,
	expires_at   bigint not null,
	undo_run_id  text   not null default '',
	undone_at    bigint not null default 0
);
create index undos_by_time on undos (created_at);

create table conversations (
	id         text   primary key,
	user_name  text   not null,
	title      text   not null,
	created_at bigint not null,
	updated_at bigint not null
);
create index conversations_by_user on conversations (user_name, updated_at);

create table messages (
	id              text   primary key,
	conversation_id text   not null references conversations (id) on delete cascade,
	role            text   not null,
	content         text   not null,
	answer          text   not null,
	at              bigint not null
);
create index messages_by_conversation on messages (conversation_id, at, id);

create table turns (
	id              text   primary key,
	conversation_id text   not null references conversations (id) on delete cascade,
	state           text   not null,
	error           text   not null,
	started_at      bigint not null,
	ended_at        bigint not null
);
create index turns_by_conversation on turns (conversation_id, started_at);

create table users (
	name          text    primary key,
	roles         text    not null,
	password_hash text    not null,
	disabled      integer not null,
	created_at    bigint  not null,
	updated_at    bigint  not null
);

create table sessions (
	token_hash text   primary key,
	user_name  text   not null references users (name) on delete cascade,
	created_at bigint not null,
	last_seen  bigint not null,
	expires_at bigint not null
);
create index sessions_by_user on sessions (user_name);

create table login_tokens (
	token_hash text   primary key,
	user_name  text   not null references users (name) on delete cascade,
	expires_at bigint not null,
	used_at    bigint not null
);

create table login_failures (
	id        text   primary key,
	user_name text   not null,
	address   text   not null,
	at        bigint not null
);
create index login_failures_by_user on login_failures (user_name, address, at);

create table documents (
	id          text   primary key,
	collection  text   not null,
	source      text   not null,
	title       text   not null,
	sha256      text   not null,
	body        text   not null,
	bytes       bigint not null,
	ingested_at bigint not null,
	unique (collection, source)
);
