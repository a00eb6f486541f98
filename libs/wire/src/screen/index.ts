export {
  cellHeight,
  cellWidth,
  glyph,
  paint,
  palette,
  type Colour,
  type Picture,
  type TextScreen,
} from './picture';
export { jpegOf } from './jpeg';
