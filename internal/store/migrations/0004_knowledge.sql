-- original is the SHA-256 of the file a text was read from, state one of active,
-- quarantined and rejected, meta what the knowledge base keeps about a text.
alter table documents add column original text not null default '';
alter table documents add column state text not null default 'active';
alter table documents add column meta text not null default '{}';
alter table documents add column chunks bigint not null default 0;

-- Where the passages of a document stand; the text itself is in its body.
create table chunks (
	document_id text   not null references documents (id) on delete cascade,
	ordinal     bigint not null,
	id          text   not null,
	start_at    bigint not null,
	end_at      bigint not null,
	kind        text   not null,
	path        text   not null,
	tokens      bigint not null,
	primary key (document_id, ordinal)
);
create index chunks_by_id on chunks (id);

-- What an operator says against a passage, until an administrator decides.
create table corrections (
	id          text   primary key,
	document_id text   not null,
	collection  text   not null,
	source      text   not null,
	start_at    bigint not null,
	end_at      bigint not null,
	quote       text   not null,
	title       text   not null,
	body        text   not null,
	reason      text   not null,
	state       text   not null,
	created_by  text   not null,
	created_at  bigint not null,
	decided_by  text   not null,
	decided_at  bigint not null,
	decision    text   not null,
	note_id     text   not null
);
create index corrections_by_state on corrections (state, created_at, id);
