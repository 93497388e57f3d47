-- When an API token last let a program in, to the minute; 0 is never.
alter table api_tokens add column last_used_at bigint not null default 0;
