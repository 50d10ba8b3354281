-- Messages are kept from the end of their lifetime on.
create index messages_expiry on messages (expires_at);
