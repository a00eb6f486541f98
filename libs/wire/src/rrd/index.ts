export { numberText } from './numbers';
export { updatesJson, updatesXml, type Column, type Updates } from './updates';
export { dumpJson, dumpXml, type Dump, type DumpArchive, type DumpSource } from './dump';
