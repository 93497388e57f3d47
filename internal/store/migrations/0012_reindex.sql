-- Documents cut anew by a reindex, until all of them take the place of the old
-- passages at once. passages is a JSON list.
create table recut (
	job_id      text   not null,
	document_id text   not null,
	sha256      text   not null,
	passages    text   not null,
	primary key (job_id, document_id)
);
