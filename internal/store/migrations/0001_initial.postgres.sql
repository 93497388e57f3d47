-- Statement triggers, so that even a statement that matches no row is refused and truncate too.
create function append_only() returns trigger language plpgsql as $$
begin
	raise exception '% is append-only', tg_table_name;
end $$;
create trigger runs_append_only    before update or delete or truncate on runs    for each statement execute function append_only();
create trigger journal_append_only before update or delete or truncate on journal for each statement execute function append_only();
create trigger votes_append_only   before update or delete or truncate on votes   for each statement execute function append_only();
