create trigger audit_stays before update on audit begin select raise(abort, 'the audit log is only appended to'); end;
create trigger audit_is_kept before delete on audit begin select raise(abort, 'the audit log is only appended to'); end;
