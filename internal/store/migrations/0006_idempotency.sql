-- A request with an Idempotency-Key. state is claimed (nothing that would have
-- to be found again was done), executing (run_id says where to look) or done
-- (status, headers and body are replayed). fence grows with every new owner.
-- What the table held before were claims nobody made: no route used it.
drop table idempotency;
create table idempotency (
	scope       text    not null,
	key         text    not null,
	fingerprint text    not null,
	state       text    not null,
	owner       text    not null,
	fence       bigint  not null,
	lease_until bigint  not null,
	run_id      text    not null,
	status      integer not null,
	headers     text    not null,
	body        bytea   not null,
	created_at  bigint  not null,
	expires_at  bigint  not null,
	primary key (scope, key)
);
create index idempotency_by_expiry on idempotency (expires_at);
