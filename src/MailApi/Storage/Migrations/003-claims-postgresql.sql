-- A name may be claimed by several tenants as long as none has proved it: a squatter must not keep the owner out.
alter table domains drop constraint domains_name_key;
drop index domains_tenant;
