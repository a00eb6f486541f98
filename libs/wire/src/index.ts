export { memberXml, structXml } from './codec';
export {
  parseCall,
  parseResponse,
  parseValue,
  xmlCall,
  xmlFailure,
  xmlPlain,
  xmlPlainAround,
  xmlSuccess,
  xmlSuccessAround,
  type XmlCall,
} from './xmlrpc';
export {
  jsonCall,
  jsonFailure,
  jsonSuccess,
  jsonSuccessAround,
  parseJsonCall,
  type JsonCall,
  type JsonEnvelope,
} from './jsonrpc';
export { MalformedCall, maxDepth } from './malformed';
export { assertTexts, Scalar, type Untyped, type UntypedStruct } from './untyped';
export { assertText, escapeXml, textOf, type Body, type Piece } from './text';
export { decode, decodeRecord, encodeJson, encodeXml, xmlOfJson } from './values';
export {
  jsonOfBlocks,
  jsonPieces,
  lengthOfBlocks,
  membersOfBlocks,
  xmlOfBlocks,
  xmlPieces,
  type Blocks,
} from './pieces';
export { plainOf } from './any-record';
export {
  assertParamCount,
  bindArguments,
  decodeArguments,
  decodeNamed,
  sessionToken,
  type Arguments,
} from './arguments';
export { methodNames, methodNamesType, parseMethod, type Method } from './methods';
export { deepestFilter, evaluate, longestFilter, parseFilter, type Filter, type Operand } from './filter';
export { decodeTaskResult, encodeTaskResult } from './task-result';
export * from './thin-cli';
export * from './coverage';
export * from './rrd';
export * from './screen';
export * from './rfb';
export { closing, frame, FrameReader, opcodes, WebSocketError, type Frame } from './websocket';
export * from './disks';
export * from './xva';
export * from './zstd';
export * from './nbd';
export { bzip2 } from './bzip2';
