-- When a waiting envelope was due before the sweep set it aside because its sending domain or its site is suspended; null: it was not.
alter table envelopes add column set_aside_due_at bigint;
