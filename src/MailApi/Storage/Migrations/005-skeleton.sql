-- What a name looks like (Unicode UTS #39); null in rows from before, until their next look-up.
alter table domains add column skeleton text;
create index domains_skeleton on domains (skeleton);
