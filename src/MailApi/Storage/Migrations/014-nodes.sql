-- The newest migration that a process knows: one that takes something away waits for those that do not know what came in its place.
alter table nodes add column migration integer not null default 0;
