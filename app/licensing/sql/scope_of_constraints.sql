-- What constrains building is public, except what is restricted; the department writes it (row_scope.sql, department_*).
CREATE POLICY reads ON registry.constraint_area FOR SELECT USING (
    (SELECT registry.is_department()) OR NOT restricted);
