-- Reports are kept from their receipt on.
drop index concurrently if exists reports_age;
create index concurrently reports_age on reports (received_at);
