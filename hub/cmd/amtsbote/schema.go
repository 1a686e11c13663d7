package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"
)

// newSchemaCommand prints the event schemas of what receivers get.
func newSchemaCommand() *cobra.Command {
	var f struct{ dir, lang string }
	cmd := &cobra.Command{
		Use:   "schema [DATASCHEMA]",
		Short: "Print an event schema, also a derived one, by the dataschema that events carry",
		Long: `Print the JSON Schema with this dataschema: that of an event type, or one derived
for an agreement that cuts (urn:amtsbote:schema:<type>?felder=…). Without an
argument all that receivers get under the federation directory are listed. A
running hub publishes the same in the key-value bucket SCHEMAS.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			fed, err := loadFederation(cmd.ErrOrStderr(), f.dir, language(f.lang))
			if err != nil {
				return err
			}
			published := fed.Published()
			if len(args) == 0 {
				for _, id := range slices.Sorted(maps.Keys(published)) {
					fmt.Fprintln(cmd.OutOrStdout(), id)
				}
				return nil
			}
			raw, ok := published[args[0]]
			if schema, known := fed.Schemas.ByID(args[0]); !ok && known {
				raw, ok = schema.Raw, true
			}
			if !ok {
				return fmt.Errorf("no agreement of %s gives a copy the dataschema %q", f.dir, args[0])
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", raw)
			return err
		},
	}
	cmd.Flags().StringVar(&f.dir, "dir", env("DIR", "."), "federation directory")
	cmd.Flags().StringVar(&f.lang, "lang", env("LANG", "en"), "language of findings: de or en")
	return cmd
}
