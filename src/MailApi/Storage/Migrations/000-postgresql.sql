-- The database's clock, the only one that is compared. Stable, so that an index can be searched with it.
create function now_ms() returns bigint language sql stable as
$$ select (extract(epoch from statement_timestamp()) * 1000)::bigint $$;

-- Transactions below this number have all ended: events below it can no longer be joined by earlier ones.
create function events_horizon() returns bigint language sql stable as
$$ select pg_snapshot_xmin(pg_current_snapshot())::text::bigint $$;
