-- Long work that survives the process. owner and lease_until say who is at it;
-- attempts counts claims and fences an owner that lost its lease.
-- key is '' or names the work: of two jobs of a kind that are not finished, no
-- two have the same key.
create table jobs (
	id           text    primary key,
	kind         text    not null,
	key          text    not null,
	args         text    not null,
	state        text    not null,
	done         bigint  not null,
	total        bigint  not null,
	note         text    not null,
	checkpoint   text    not null,
	result       text    not null,
	error        text    not null,
	attempts     integer not null,
	max_attempts integer not null,
	owner        text    not null,
	lease_until  bigint  not null,
	cancel_by    text    not null,
	created_by   text    not null,
	created_at   bigint  not null,
	run_after    bigint  not null,
	attempt_at   bigint  not null,
	attempt_done bigint  not null,
	started_at   bigint  not null,
	finished_at  bigint  not null
);
create unique index jobs_open on jobs (kind, key) where key <> '' and state in ('pending', 'running');
create index jobs_due on jobs (state, run_after, id);
create index jobs_by_kind on jobs (kind, created_at, id);
