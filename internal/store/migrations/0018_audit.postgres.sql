create trigger audit_append_only before update or delete or truncate on audit for each statement execute function append_only();
