-- Programmes name everybody's structures: the department's alone. It also writes them, by the policies every table of
-- the registry has (app/accounts/sql/row_scope.sql); what a programme computed never changes.
CREATE POLICY reads ON registry.programme_run FOR SELECT USING ((SELECT registry.is_department()));
CREATE POLICY never_changed ON registry.programme_run AS RESTRICTIVE FOR UPDATE USING (false);
