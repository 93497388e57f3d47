-- What a circuit breaker keeps over a restart: its state, its counts and its
-- last changes of state, as JSON.
create table breakers (
	name       text   primary key,
	history    text   not null,
	updated_at bigint not null
);
