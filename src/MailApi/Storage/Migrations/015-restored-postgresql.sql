-- A store that was restored goes on numbering its events far above those it ever had, so that no cursor that was handed out skips one: of another cluster the transactions' numbers
-- begin anew, and after a restore to a point in time those of what was lost are used again.
create function skip_event_numbers() returns void language plpgsql as $$
declare
    above bigint;
begin
    select greatest(events_horizon(), coalesce((select max(transaction_id) from events), 0), coalesce((select max(transaction_id) from event_cursors), 0)) + 1099511627776 into above;
    execute format('create or replace function events_horizon() returns bigint language sql stable as %L', format('select pg_snapshot_xmin(pg_current_snapshot())::text::bigint + %s', above));
    execute format('alter table events alter column transaction_id set default (pg_current_xact_id()::text::bigint + %s)', above);
end $$;
