-- Everybody may know what is told to whom; the department changes it (app/accounts/sql/row_scope.sql).
CREATE POLICY reads ON policy.disclosure FOR SELECT USING (true);
