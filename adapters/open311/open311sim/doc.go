// Package open311sim plays a server of Open311 GeoReport v2 in the dialects of
// Mark-a-Spot, Klarschiff and FixMyStreet, for examples and tests. It follows the
// specification and what facts/city.md 5 recorded of these; README.md of
// adapters/open311 names what is UNVERIFIED.
package open311sim
