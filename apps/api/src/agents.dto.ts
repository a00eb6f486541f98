/** The shapes of protocol.ts, checked at the door. */
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  IsUrl,
  IsUUID,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import type {
  Claim,
  ClaimRequest,
  DepartureRequest,
  GpuHardware,
  GuestMetrics,
  HostLoad,
  Inventory,
  InvitationRequest,
  Joining,
  JoinRequest,
  PciHardware,
  Registration,
  RegistrationRequest,
  Renewal,
  RenewalRequest,
  Report,
  ReportRequest,
  StandbyRequest,
  SurvivingDomain,
  UsbHardware,
  VmEvent,
} from '@xenplane/hypervisor';

const mostEntries = 20_000;
const bytes = 2 ** 53 - 1;

class NicDto {
  @MaxLength(32) device!: string;
  @MaxLength(17) mac!: string;
  @IsInt() @Min(68) @Max(65_535) mtu!: number;
  @IsInt() @Min(0) speedMbit!: number;
  @MaxLength(64) pciBusPath!: string;
  @IsOptional() @IsInt() @Min(0) @Max(1024) virtualFunctions?: number;
}
class ProfileDto {
  @MaxLength(64) name!: string;
  @IsInt() @Min(0) @Max(bytes) framebufferBytes!: number;
  @IsInt() @Min(1) @Max(64) heads!: number;
  @IsInt() @Min(1) @Max(1024) most!: number;
}
class GpuDto implements GpuHardware {
  @MaxLength(64) pciId!: string;
  @MaxLength(8) vendorId!: string;
  @MaxLength(255) vendorName!: string;
  @MaxLength(8) deviceId!: string;
  @MaxLength(255) deviceName!: string;
  @IsBoolean() display!: boolean;
  @IsArray() @ArrayMaxSize(64) @ValidateNested({ each: true }) @Type(() => ProfileDto) profiles!: ProfileDto[];
}
class PciDto implements PciHardware {
  @MaxLength(64) pciId!: string;
  @MaxLength(8) classId!: string;
  @MaxLength(255) className!: string;
  @MaxLength(8) vendorId!: string;
  @MaxLength(255) vendorName!: string;
  @MaxLength(8) deviceId!: string;
  @MaxLength(255) deviceName!: string;
  @MaxLength(64) driver!: string;
}
class UsbDto implements UsbHardware {
  @MaxLength(64) path!: string;
  @MaxLength(8) vendorId!: string;
  @MaxLength(255) vendorName!: string;
  @MaxLength(8) productId!: string;
  @MaxLength(255) productName!: string;
  @MaxLength(255) serial!: string;
  @MaxLength(16) version!: string;
  @IsNumber() speedMbit!: number;
}
export class InventoryDto implements Inventory {
  @MaxLength(255) nameLabel!: string;
  @IsInt() @Min(2 ** 30) @Max(bytes) memoryBytes!: number;
  @IsInt() @Min(0) @Max(bytes) dom0MemoryBytes!: number;
  @IsInt() @Min(1) @Max(1024) dom0Vcpus!: number;
  @IsInt() @Min(1) @Max(64) sockets!: number;
  @IsInt() @Min(1) @Max(512) coresPerSocket!: number;
  @IsInt() @Min(1) @Max(8) threadsPerCore!: number;
  @IsInt() @Min(1) @Max(64) numaNodes!: number;
  @IsInt() @Min(1) cpuMhz!: number;
  @MaxLength(64) cpuVendor!: string;
  @MaxLength(255) cpuModelName!: string;
  @MaxLength(1024) cpuFeatures!: string;
  @IsBoolean() hvmCapable!: boolean;
  @IsObject() biosStrings!: Record<string, string>;
  @IsArray() @ArrayMaxSize(64) @ValidateNested({ each: true }) @Type(() => NicDto) nics!: NicDto[];
  @IsOptional() @IsArray() @ArrayMaxSize(64) @ValidateNested({ each: true }) @Type(() => GpuDto) gpus?: GpuDto[];
  @IsOptional() @IsArray() @ArrayMaxSize(255) @ValidateNested({ each: true }) @Type(() => UsbDto) usbDevices?: UsbDto[];
  @IsOptional() @IsArray() @ArrayMaxSize(255) @ValidateNested({ each: true }) @Type(() => PciDto) pciDevices?: PciDto[];
  @IsInt() @Min(0) @Max(bytes) localDiskBytes!: number;
  @MaxLength(64) hypervisorVersion!: string;
  @MaxLength(64) kernelVersion!: string;
}
class JoinDto implements Joining {
  @IsUUID() host!: string;
  @MaxLength(256) @IsString() secret!: string;
  @ValidateNested() @Type(() => InventoryDto) inventory!: InventoryDto;
}
export class JoinsDto implements JoinRequest {
  @IsArray() @ArrayMaxSize(mostEntries) @ValidateNested({ each: true }) @Type(() => JoinDto) joins!: JoinDto[];
}

export class InvitationDto implements InvitationRequest {
  @IsUUID() host!: string;
  @IsString() @MaxLength(65_536) nameLabel!: string;
  @IsString() @MaxLength(65_536) nameDescription!: string;
}

class DomainDto implements SurvivingDomain {
  @IsUUID() vm!: string;
  @IsInt() vmEpoch!: number;
  @IsInt() domid!: number;
}
class HostEntryDto {
  @IsUUID() host!: string;
  @MaxLength(256) @IsString() token!: string;
}
class RegistrationDto extends HostEntryDto implements Registration {
  @MaxLength(128) agentBoot!: string;
  @MaxLength(128) hypervisorBoot!: string;
  @IsUrl({ require_tld: false }) agentUrl!: string;
  @MaxLength(256) commandKey!: string;
  @ValidateNested() @Type(() => InventoryDto) inventory!: InventoryDto;
  @IsArray() @ArrayMaxSize(mostEntries) @ValidateNested({ each: true }) @Type(() => DomainDto) domains!: DomainDto[];
}
export class RegistrationsDto implements RegistrationRequest {
  @IsArray() @ArrayMaxSize(mostEntries) @ValidateNested({ each: true }) @Type(() => RegistrationDto) registrations!: RegistrationDto[];
}

class LoadDto implements HostLoad {
  @IsInt() @Min(0) @Max(bytes) memoryFreeBytes!: number;
  @IsInt() @Min(0) domains!: number;
  @IsNumber() @Min(0) @Max(1) cpuUsage!: number;
}
class RenewalDto extends HostEntryDto implements Renewal {
  @IsInt() hostEpoch!: number;
  @ValidateNested() @Type(() => LoadDto) load!: LoadDto;
}
export class RenewalsDto implements RenewalRequest {
  @IsArray() @ArrayMaxSize(mostEntries) @ValidateNested({ each: true }) @Type(() => RenewalDto) renewals!: RenewalDto[];
}

class ClaimDto extends HostEntryDto implements Claim {
  @IsInt() hostEpoch!: number;
  @IsUUID() vm!: string;
  @IsInt() vmEpoch!: number;
  @MaxLength(128) nonce!: string;
  @IsOptional() @IsInt() @Min(1) attempt?: number;
}
export class ClaimsDto implements ClaimRequest {
  @IsArray() @ArrayMaxSize(mostEntries) @ValidateNested({ each: true }) @Type(() => ClaimDto) claims!: ClaimDto[];
}

class DepartureDto extends HostEntryDto {
  @IsInt() hostEpoch!: number;
}
export class DeparturesDto implements DepartureRequest {
  @IsArray() @ArrayMaxSize(mostEntries) @ValidateNested({ each: true }) @Type(() => DepartureDto) departures!: DepartureDto[];
}
export class StandbysDto implements StandbyRequest {
  @IsArray() @ArrayMaxSize(mostEntries) @ValidateNested({ each: true }) @Type(() => HostEntryDto) standbys!: HostEntryDto[];
}

class GuestDto {
  @IsObject() osVersion!: Record<string, string>;
  @IsObject() pvDriversVersion!: Record<string, string>;
  @IsObject() networks!: Record<string, string>;
  @IsObject() other!: Record<string, string>;
}
/** One of the kinds of VmEvent; which members go with which kind is checked where it is applied. */
class EventDto {
  @IsIn(['guest', 'ended', 'rebooted']) kind!: VmEvent['kind'];
  @IsOptional() @ValidateNested() @Type(() => GuestDto) guest!: GuestMetrics;
  @IsOptional() @IsIn(['shutdown', 'crash', 'watchdog']) reason!: 'shutdown' | 'crash' | 'watchdog';
  @IsOptional() @IsInt() domid!: number;
}
class ReportDto extends HostEntryDto {
  @IsInt() hostEpoch!: number;
  @IsUUID() vm!: string;
  @IsInt() vmEpoch!: number;
  @IsObject() @ValidateNested() @Type(() => EventDto) event!: Report['event'];
}
export class ReportsDto implements ReportRequest {
  @IsArray() @ArrayMaxSize(1000) @ValidateNested({ each: true }) @Type(() => ReportDto) reports!: ReportDto[];
}
