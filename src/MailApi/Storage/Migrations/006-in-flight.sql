-- What is rung is counted by category and tenant with every sweep: the index alone answers.
drop index envelopes_leased;
create index envelopes_leased on envelopes (state, category, tenant_id, due_at) where state in ('rung', 'sending');

-- A tenant's share beside others with due work.
alter table tenants add column weight integer not null default 1;
