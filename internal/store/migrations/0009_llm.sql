create table api_tokens (
	token_hash text   primary key,
	id         text   not null unique,
	name       text   not null,
	user_name  text   not null references users (name) on delete cascade,
	scope      text   not null,
	created_at bigint not null,
	expires_at bigint not null,
	revoked_at bigint not null
);
create index api_tokens_by_user on api_tokens (user_name);

create table llm_spent (
	day        text   not null,
	account    text   not null,
	nano_usd   bigint not null,
	primary key (day, account)
);
