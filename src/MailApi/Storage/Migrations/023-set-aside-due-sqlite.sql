-- What is set aside is put back when it is resumed, however much else waits.
create index envelopes_set_aside on envelopes (set_aside_due_at) where set_aside_due_at is not null;
