/** The shape of DesiredVm, checked at the door. */
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  IsUrl,
  IsUUID,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import type { DiskSource, DiskSpec, DomainSpec, NicSpec, PlaneCommand, PowerCommand, SavedImage } from '@xenplane/hypervisor';

const bytes = 2 ** 53 - 1;

class SourceDto {
  @IsIn(['image', 'volume', 'empty']) kind!: DiskSource['kind'];
  @ValidateIf((s: SourceDto) => s.kind === 'image') @Matches(/^[0-9a-f]{64}$/) sha256!: string;
  @IsOptional() @IsIn(['raw', 'qcow2']) format!: 'raw' | 'qcow2';
  @IsOptional() @IsInt() @Min(0) sizeBytes!: number;
  @IsOptional() @IsInt() @Min(0) @Max(bytes) virtualSizeBytes!: number;
  @IsOptional() @MaxLength(64) sr!: string;
  @IsOptional() @MaxLength(64) vdi!: string;
}
class DiskDto {
  @IsUUID() vbd!: string;
  @Matches(/^[A-Za-z0-9]{1,32}$/) device!: string;
  @IsIn(['Disk', 'CD']) type!: DiskSpec['type'];
  @IsIn(['RO', 'RW']) mode!: DiskSpec['mode'];
  @IsBoolean() bootable!: boolean;
  @IsObject() @ValidateNested() @Type(() => SourceDto) source!: DiskSource;
}
class NicDto implements NicSpec {
  @IsUUID() vif!: string;
  @MaxLength(32) device!: string;
  @MaxLength(17) mac!: string;
  @MaxLength(64) network!: string;
  @MaxLength(64) bridge!: string;
  @IsInt() @Min(0) mtu!: number;
  @IsOptional() @IsArray() @ArrayMaxSize(16) @IsString({ each: true }) @MaxLength(64, { each: true }) addresses?: string[];
}
class SpecDto implements DomainSpec {
  @IsString() @MaxLength(65_536) nameLabel!: string;
  @IsIn(['pv', 'hvm', 'pvh', 'pv_in_pvh']) mode!: DomainSpec['mode'];
  @IsInt() @Min(0) @Max(bytes) memoryStaticMaxBytes!: number;
  @IsInt() @Min(0) @Max(bytes) memoryTargetBytes!: number;
  @IsInt() @Min(1) @Max(1024) vcpusMax!: number;
  @IsInt() @Min(1) @Max(1024) vcpus!: number;
  @IsString() @MaxLength(256) guestOs!: string;
  @IsIn(['destroy', 'restart', 'preserve']) onCrash!: DomainSpec['onCrash'];
  @IsIn(['destroy', 'restart']) onReboot!: DomainSpec['onReboot'];
  @IsArray() @ArrayMaxSize(256) @ValidateNested({ each: true }) @Type(() => DiskDto) disks!: DiskDto[];
  @IsArray() @ArrayMaxSize(64) @ValidateNested({ each: true }) @Type(() => NicDto) nics!: NicDto[];
}
const hasSpec = ({ state }: DesiredDto): boolean => state === 'running' || state === 'paused' || state === 'receiving';
const states = ['running', 'paused', 'suspended', 'checkpointed', 'stopped', 'receiving', 'moving'] as const;
export class DesiredDto {
  @IsInt() vmEpoch!: number;
  @IsInt() hostEpoch!: number;
  @IsInt() @Min(0) @Max(60_000) waitMs!: number;
  @IsIn(states) state!: (typeof states)[number];
  @ValidateIf(hasSpec) @IsObject() @ValidateNested() @Type(() => SpecDto) spec!: SpecDto;
  @ValidateIf(hasSpec) @IsInt() @Min(1) boots!: number;
  @IsOptional() @IsIn(['clean', 'hard', 'devices']) reboot?: 'clean' | 'hard' | 'devices';
  @IsOptional() @IsObject() saved?: SavedImage;
  @ValidateIf(({ state }: DesiredDto) => state === 'stopped') @IsIn(['clean', 'hard']) how!: 'clean' | 'hard';
  @IsOptional() @IsIn([true]) received?: true;
  @ValidateIf(({ state, attempt }: DesiredDto) => state === 'moving' || attempt !== undefined) @IsInt() @Min(1) attempt?: number;
  @ValidateIf(({ state }: DesiredDto) => state === 'moving') @IsIn(['copy', 'handOver']) phase?: 'copy' | 'handOver';
}
export class PowerDto implements PowerCommand {
  @IsInt() hostEpoch!: number;
  @IsIn(['off', 'reboot', 'toolstack']) action!: PowerCommand['action'];
}
export class PlaneDto implements PlaneCommand {
  @IsInt() hostEpoch!: number;
  @MaxLength(2048) @IsUrl({ require_tld: false, protocols: ['http', 'https'], require_protocol: true }) apiUrl!: string;
  @MaxLength(2048) @IsUrl({ require_tld: false, protocols: ['http', 'https'], require_protocol: true }) imagesUrl!: string;
  @IsString() @MaxLength(256) secret!: string;
}
export class KeysDto {
  @IsString() @MaxLength(64) keys!: string;
}
