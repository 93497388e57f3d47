create trigger runs_no_update    before update on runs    begin select raise(abort, 'runs is append-only');    end;
create trigger runs_no_delete    before delete on runs    begin select raise(abort, 'runs is append-only');    end;
create trigger journal_no_update before update on journal begin select raise(abort, 'journal is append-only'); end;
create trigger journal_no_delete before delete on journal begin select raise(abort, 'journal is append-only'); end;
create trigger votes_no_update   before update on votes   begin select raise(abort, 'votes is append-only');   end;
create trigger votes_no_delete   before delete on votes   begin select raise(abort, 'votes is append-only');   end;
