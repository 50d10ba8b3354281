-- Messages are kept from the end of their lifetime on.
drop index concurrently if exists messages_expiry;
create index concurrently messages_expiry on messages (expires_at);
