-- Reports are kept from their receipt on.
create index reports_age on reports (received_at);
