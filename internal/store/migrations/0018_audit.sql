-- Who changed Resync itself, when, and why: settings, tokens. What was done to an
-- engine is in the journal.
create table audit (
	seq    bigint not null primary key,
	at     bigint not null,
	actor  text   not null,
	action text   not null,
	target text   not null,
	reason text   not null,
	detail text   not null
);
create index audit_by_action on audit (action, seq);

-- The end of it; whoever adds a row holds this one until the transaction ends.
create table audit_head (
	id  integer not null primary key,
	seq bigint  not null
);
insert into audit_head (id, seq) values (1, 0);
