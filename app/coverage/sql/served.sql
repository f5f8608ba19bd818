-- Who serves is shown to those who may read the cell, and the nearest distribution point to those who may read that:
-- the sub-selects run under the caller's own row-level security.
CREATE POLICY reads ON registry.served FOR SELECT USING (
    (SELECT registry.is_department())
    OR (SELECT registry.reads_all()) AND cell_id <> ALL ((SELECT registry.restricted_ids('cell'))::bigint[])
    OR (SELECT registry.is_operator()) AND EXISTS (SELECT FROM registry.cell c WHERE c.id = cell_id));
CREATE POLICY reads ON registry.fibre_nearest FOR SELECT USING (
    (SELECT registry.is_department())
    OR (SELECT registry.reads_all())
       AND point_id <> ALL ((SELECT registry.restricted_ids('distribution_point'))::bigint[])
    OR (SELECT registry.has_own()) AND EXISTS (SELECT FROM registry.distribution_point d WHERE d.id = point_id));
