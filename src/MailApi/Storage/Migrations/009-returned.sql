-- Why a bounced envelope was refused, and whether its recipient complained.
alter table envelopes add column bounce_class text;
alter table envelopes add column complained boolean not null default false;
