-- Whether a bounced envelope was refused for good; null of one that bounced before.
alter table envelopes add column bounce_hard boolean;
