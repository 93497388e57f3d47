-- What administrators set while the program runs, by name, as JSON.
create table settings (
	name       text   primary key,
	value      text   not null,
	updated_by text   not null,
	updated_at bigint not null
);
